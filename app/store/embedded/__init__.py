"""An embedded JanusGraph on BerkeleyJE and Lucene, run as a child process."""
