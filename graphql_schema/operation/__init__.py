"""The pass over a document: what an operation may ask for, judged before anything runs."""
