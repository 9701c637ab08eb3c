"""The garbage collector: objects go after their owners."""
