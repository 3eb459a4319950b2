"""How long personal data of buyers is kept, and forgetting it when that time is over."""
