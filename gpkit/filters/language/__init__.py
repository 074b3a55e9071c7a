"""From text to tree: the grammar, its errors, and what a filter can say."""
