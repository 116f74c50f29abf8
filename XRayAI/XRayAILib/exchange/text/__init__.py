"""Text burned into pictures: the search, and the page on which a person confirms it."""
