// Command pulumi-resource-command serves `command:local:Command` of the `command` package and nothing else: the Go module proxy
// does not have the module of pulumi-command's own provider.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-go-provider/infer"

	"ipvlan-fabric/toolchain/command-provider/local"
)

// version is set by the linker, from toolchain/versions.env.
var version = "0.0.0"

func main() {
	provider, err := infer.NewProviderBuilder().
		WithNamespace("pulumi").
		WithResources(infer.Resource(&local.Command{})).
		Build()
	if err == nil {
		err = provider.Run(context.Background(), "command", version)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
