"""YAML -> StackConfig: what a stack file says, checked key by key. No decision about an address."""
