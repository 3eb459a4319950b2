"""The door of a web worker: classes, token buckets, an adaptive limit, and a queue with deadlines."""
