"""Pages of sharing: defaults, groups, rules, who sees a record."""
