"""JanusGraph on BerkeleyJE and Lucene, as a child process."""
