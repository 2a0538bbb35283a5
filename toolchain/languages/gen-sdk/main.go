// gen-sdk LANGUAGE SCHEMA FOLDER: writes the SDK of a Pulumi package, made from its schema, into FOLDER.
//
// LANGUAGE is nodejs or python. It does what `pulumi package gen-sdk` does; the language hosts that can be built from Go modules are
// older than that command.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const tool = "gen-sdk of ipvlan-fabric"

// alone is the loader of a package that refers to no other.
type alone struct{}

func (alone) refused(name string) error {
	return fmt.Errorf("the schema refers to package %s, and gen-sdk reads no other package", name)
}

func (a alone) LoadPackage(name string, _ *semver.Version) (*schema.Package, error) {
	return nil, a.refused(name)
}

func (a alone) LoadPackageV2(_ context.Context, package_ *schema.PackageDescriptor) (*schema.Package, error) {
	return nil, a.refused(package_.Name)
}

func (a alone) LoadPackageReference(name string, _ *semver.Version) (schema.PackageReference, error) {
	return nil, a.refused(name)
}

func (a alone) LoadPackageReferenceV2(_ context.Context, package_ *schema.PackageDescriptor) (schema.PackageReference, error) {
	return nil, a.refused(package_.Name)
}

func generate(language, schemaFile, folder string) error {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return fmt.Errorf("%s: %w", schemaFile, err)
	}
	pkg, err := schema.ImportSpec(spec, nil, alone{}, schema.ValidationOptions{})
	if err != nil {
		return fmt.Errorf("%s: %w", schemaFile, err)
	}
	var files map[string][]byte
	switch language {
	case "nodejs":
		files, err = nodejs.GeneratePackage(tool, pkg, nil, nil, true, alone{})
	case "python":
		files, err = python.GeneratePackage(tool, pkg, nil, alone{})
	default:
		return fmt.Errorf("%s is neither nodejs nor python", language)
	}
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: gen-sdk nodejs|python SCHEMA FOLDER")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "gen-sdk:", err)
		os.Exit(1)
	}
}
