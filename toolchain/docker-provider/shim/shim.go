// Package shim exports the upstream provider, whose own package is internal: this module's path is inside upstream's.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// New returns the upstream provider; version goes into its user agent.
func New(version string) *schema.Provider { return provider.New(version)() }
