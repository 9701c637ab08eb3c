"""Tables as `kubectl get` prints them: the server chooses columns and cells."""
