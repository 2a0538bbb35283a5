//go:build tools

// Package tools keeps Pulumi's Python language host in this module's requirements: `toolchain/setup` builds that package.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
