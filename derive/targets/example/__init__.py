"""The worked example of a layer's page: a small case, chosen and computed from the definition, and how it is shown."""
