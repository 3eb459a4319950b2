"""The JSON API's edge, shared by every module that answers programs."""
