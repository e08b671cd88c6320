// This file has no code. It is here so that the compiler accepts the declaration of the program's main without a body.
