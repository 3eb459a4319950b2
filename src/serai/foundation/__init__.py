"""What every system stands on, without one business word: database, events, jobs, pages, errors, money, time."""
