// Command pulumi-resource-docker serves the `docker` package: the upstream Terraform provider for Docker behind Pulumi's
// Terraform bridge, as the published plugin does, with the same tokens and property names.
//
// It leaves out the published plugin's native `Image` resource (building images) and the data sources.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
)

// version is set by the linker, from toolchain/versions.env.
var version = "0.0.0"

func main() {
	info := providerInfo()
	tfbridge.Main(packageName, version, info, packageSchema(info))
}
