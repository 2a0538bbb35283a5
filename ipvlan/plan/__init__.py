"""StackConfig -> Plan: addresses, names, order, prediction. Pure: no file, no host, no clock."""
