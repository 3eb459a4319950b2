"""Payment methods: which a merchant offers, to whom, up to how much; and who may buy on invoice."""
