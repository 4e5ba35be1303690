"""TLS: the server's certificate, and the encryption of its connections."""
