"""What is paid without a provider: said to have come, refused at the door, asked for again, paid back by hand."""
