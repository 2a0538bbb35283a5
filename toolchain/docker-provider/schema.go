package main

import (
	"encoding/json"
	"strings"

	pschema "github.com/pulumi/pulumi/pkg/v3/codegen/schema"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

type (
	property   = pschema.PropertySpec
	properties = map[string]property
)

// packageSchema returns the package's schema as JSON: every resource with its inputs and outputs, without descriptions.
//
// While it serves, the bridge translates property names by tfbridge.TerraformToPulumiNameV2. This calls the same function, so
// `pulumi package get-schema` shows exactly the names that the plugin accepts.
func packageSchema(info tfbridge.ProviderInfo) []byte {
	w := walker{types: map[string]pschema.ComplexTypeSpec{}}
	config, required := w.members("Provider", info.P.Schema(), info.Config, anyProperty)
	spec := pschema.PackageSpec{
		Name:    packageName,
		Version: version,
		// The module of `docker:index/container:Container` is `index`, not `index/container`.
		Meta: &pschema.MetadataSpec{ModuleFormat: "(.*)(?:/[^/]*)"},
		Provider: &pschema.ResourceSpec{
			InputProperties: config,
			RequiredInputs:  required,
		},
		Resources: map[string]pschema.ResourceSpec{},
	}
	for upstream, resource := range info.Resources {
		fields := info.P.ResourcesMap().Get(upstream).Schema()
		class := classes[upstream]
		inputs, requiredInputs := w.members(class, fields, resource.Fields, isInput)
		outputs, _ := w.members(class, fields, resource.Fields, anyProperty)
		// A resource's `id` belongs to Pulumi; it is not a property.
		delete(inputs, "id")
		delete(outputs, "id")
		spec.Resources[string(resource.Tok)] = pschema.ResourceSpec{
			ObjectTypeSpec:  pschema.ObjectTypeSpec{Type: "object", Properties: outputs},
			InputProperties: inputs,
			RequiredInputs:  requiredInputs,
		}
	}
	spec.Types = w.types
	text, err := json.Marshal(spec)
	if err != nil {
		// It contains only strings, slices and maps of strings.
		panic(err)
	}
	return text
}

func anyProperty(shim.Schema) bool { return true }

func isInput(field shim.Schema) bool { return field.Optional() || field.Required() }

// walker collects the nested object types that it meets.
type walker struct {
	types map[string]pschema.ComplexTypeSpec
}

// members translates the fields that `selected` accepts; owner is the class or nested type that they belong to.
func (w walker) members(
	owner string, fields shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo, selected func(shim.Schema) bool,
) (properties, []string) {
	members, required := properties{}, []string{}
	fields.Range(func(upstream string, field shim.Schema) bool {
		if !selected(field) {
			return true
		}
		name := tfbridge.TerraformToPulumiNameV2(upstream, fields, infos)
		members[name] = property{TypeSpec: w.typeOf(owner, name, field, infos[upstream])}
		if field.Required() {
			required = append(required, name)
		}
		return true
	})
	return members, required
}

func (w walker) typeOf(owner, name string, field shim.Schema, info *tfbridge.SchemaInfo) pschema.TypeSpec {
	switch field.Type() {
	case shim.TypeBool:
		return pschema.TypeSpec{Type: "boolean"}
	case shim.TypeInt:
		return pschema.TypeSpec{Type: "integer"}
	case shim.TypeFloat:
		return pschema.TypeSpec{Type: "number"}
	case shim.TypeList, shim.TypeSet:
		single := tfbridge.IsMaxItemsOne(field, info)
		element := w.elementOf(owner, name, single, field, info)
		if single {
			return element
		}
		return pschema.TypeSpec{Type: "array", Items: &element}
	case shim.TypeMap:
		// A map whose element is a resource is one nested object.
		if nested, is := field.Elem().(shim.Resource); is {
			return w.object(owner, name, nested, info)
		}
		element := w.elementOf(owner, name, true, field, info)
		return pschema.TypeSpec{Type: "object", AdditionalProperties: &element}
	default:
		return pschema.TypeSpec{Type: "string"}
	}
}

// elementOf returns the type of a collection's element; the element type of a plural property has a singular name.
func (w walker) elementOf(owner, name string, keepName bool, field shim.Schema, info *tfbridge.SchemaInfo) pschema.TypeSpec {
	var elementInfo *tfbridge.SchemaInfo
	if info != nil {
		elementInfo = info.Elem
	}
	switch element := field.Elem().(type) {
	case shim.Resource:
		return w.object(owner, singular(name, keepName), element, elementInfo)
	case shim.Schema:
		return w.typeOf(owner, name, element, elementInfo)
	default:
		return pschema.TypeSpec{Type: "string"}
	}
}

func singular(name string, keep bool) string {
	if keep {
		return name
	}
	return strings.TrimSuffix(name, "s")
}

func (w walker) object(owner, name string, nested shim.Resource, info *tfbridge.SchemaInfo) pschema.TypeSpec {
	var infos map[string]*tfbridge.SchemaInfo
	if info != nil {
		infos = info.Fields
	}
	typeName := owner + strings.ToUpper(name[:1]) + name[1:]
	members, required := w.members(typeName, nested.Schema(), infos, anyProperty)
	w.types[token(typeName)] = pschema.ComplexTypeSpec{
		ObjectTypeSpec: pschema.ObjectTypeSpec{Type: "object", Properties: members, Required: required},
	}
	return pschema.TypeSpec{Ref: "#/types/" + token(typeName)}
}
