"""YAML -> StackConfig: reading the stack file, key by key, and editing it. No decision about an address."""
