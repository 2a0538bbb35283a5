//go:build tools

// Package tools keeps Pulumi's YAML language host in this module's requirements: `toolchain/languages/setup` builds that package.
package tools

import _ "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
