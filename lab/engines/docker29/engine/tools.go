//go:build tools

// Package tools keeps what is built in this module's requirements. Written by `python -m lab.engines.pin`.
package tools

import (
	_ "github.com/moby/moby/v2/cmd/docker-proxy"
	_ "github.com/moby/moby/v2/cmd/dockerd"
)
