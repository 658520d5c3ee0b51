"""What objects and fields are called here: the vendor's own words, and the grammar that sentences follow them by."""
