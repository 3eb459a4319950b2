"""Photographs of products: checked, made into sizes once, stored under their content, shown in order."""
