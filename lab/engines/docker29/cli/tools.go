//go:build tools

// Package tools keeps what is built in this module's requirements. Written by `python -m lab.engines.pin`.
package tools

import (
	_ "github.com/docker/cli/cmd/docker"
)
