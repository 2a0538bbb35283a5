//go:build tools

// Package tools keeps Pulumi's Node.js language host in this module's requirements: `toolchain/languages/setup` builds that package.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
