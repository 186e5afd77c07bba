# In place of the real one, which the client needs for its own inference only.
Tokenizer = None
