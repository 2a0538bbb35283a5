// Package local serves command:local:Command. The token is derived from the package's name.
package local

import (
	"context"
	"errors"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command runs shell text when it is created, changed and deleted, on the machine that runs Pulumi.
type Command struct{}

// Inputs are the properties of pulumi_command.local.Command, with the names that its Python class sends.
type Inputs struct {
	Create                 *string           `pulumi:"create,optional"`
	Update                 *string           `pulumi:"update,optional"`
	Delete                 *string           `pulumi:"delete,optional"`
	Dir                    *string           `pulumi:"dir,optional"`
	Stdin                  *string           `pulumi:"stdin,optional"`
	Environment            map[string]string `pulumi:"environment,optional"`
	Interpreter            []string          `pulumi:"interpreter,optional"`
	Triggers               []any             `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Logging                *string           `pulumi:"logging,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
	AssetPaths             []string          `pulumi:"assetPaths,optional"`
	ArchivePaths           []string          `pulumi:"archivePaths,optional"`
}

// State is stored in the stack: the inputs and the output of the last run.
type State struct {
	Inputs
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

var errNoAssets = errors.New(
	"this build of the command plugin does not support assetPaths and archivePaths; leave them out, or use the published plugin")

// Create runs the `create` text, except in a preview.
func (*Command) Create(ctx context.Context, request infer.CreateRequest[Inputs]) (infer.CreateResponse[State], error) {
	state := State{Inputs: request.Inputs}
	id, err := resource.NewUniqueHex(request.Name, 8, 0)
	if err == nil && !request.DryRun {
		err = state.run(ctx, request.Inputs.Create)
	}
	return infer.CreateResponse[State]{ID: id, Output: state}, err
}

// Update runs the `update` text, or `create` if there is none.
func (*Command) Update(
	ctx context.Context, request infer.UpdateRequest[Inputs, State],
) (infer.UpdateResponse[State], error) {
	state := State{Inputs: request.Inputs, Stdout: request.State.Stdout, Stderr: request.State.Stderr}
	text := request.Inputs.Update
	if text == nil {
		text = request.Inputs.Create
	}
	var err error
	if !request.DryRun {
		err = state.run(ctx, text)
	}
	return infer.UpdateResponse[State]{Output: state}, err
}

// Delete runs the `delete` text from the state.
func (*Command) Delete(ctx context.Context, request infer.DeleteRequest[State]) (infer.DeleteResponse, error) {
	state := request.State
	return infer.DeleteResponse{}, state.run(ctx, state.Inputs.Delete)
}

// WireDependencies makes a command's output secret as soon as one of its inputs is secret: it may print any of them.
// The library's default would keep only the inputs themselves secret.
func (*Command) WireDependencies(fields infer.FieldSelector, inputs *Inputs, state *State) {
	fields.OutputField(state).DependsOn(fields.InputField(inputs))
}
