"""The ways to pay: merchants' accounts at payment providers, what is offered to whom, and an adapter to each."""
