"""Who is who: merchants, members, staff, API keys, sessions, and the audit of what they changed."""
