"""The catalogue as a file: in the columns that an import reads, so that it can be edited and brought back."""
