"""The parts of commands about access: whose rules they are about, and the operator's way to a server."""
