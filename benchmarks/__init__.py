"""Each number in a README has one command here. They measure the product as it is and need nothing but it."""
