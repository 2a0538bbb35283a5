package main

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

const packageName = "docker"

// The longest name that Pulumi generates for a resource without one.
const longestAutomaticName = 255

// classes maps a class of pulumi_docker to its resource of the upstream provider.
var classes = map[string]string{
	"docker_config":         "ServiceConfig",
	"docker_container":      "Container",
	"docker_image":          "RemoteImage",
	"docker_network":        "Network",
	"docker_plugin":         "Plugin",
	"docker_registry_image": "RegistryImage",
	"docker_secret":         "Secret",
	"docker_service":        "Service",
	"docker_tag":            "Tag",
	"docker_volume":         "Volume",
}

// providerInfo maps the upstream provider to Pulumi's names: what the bridge does not derive by itself is listed here.
// tests/unit/toolchain/test_docker_plugin.py compares every name with the Python package.
func providerInfo() tfbridge.ProviderInfo {
	resources := make(map[string]*tfbridge.ResourceInfo, len(classes))
	for upstream, class := range classes {
		resources[upstream] = &tfbridge.ResourceInfo{Tok: tokens.Type(token(class))}
	}
	container := resources["docker_container"]
	container.DeleteBeforeReplace = true
	container.Fields = map[string]*tfbridge.SchemaInfo{
		"command":           {Name: "command"},
		"networks_advanced": {Name: "networksAdvanced"},
	}
	resources["docker_image"].Fields = map[string]*tfbridge.SchemaInfo{"name": {Name: "name"}}

	info := tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(shim.New(version)),
		Name:    packageName,
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars: []string{"DOCKER_HOST"},
				Value:   "unix:///var/run/docker.sock",
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources: resources,
	}
	info.SetAutonaming(longestAutomaticName, "-")
	return info
}

// token returns a class's full name: `docker:index/remoteImage:RemoteImage` for RemoteImage.
func token(class string) string {
	return packageName + ":index/" + strings.ToLower(class[:1]) + class[1:] + ":" + class
}
