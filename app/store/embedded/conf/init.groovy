// `globals` must be defined first: otherwise there is no `g`. The daemon thread ends this JVM when the parent
// process ends, even if it is killed, because the pipe on stdin then closes.
def globals = [:]
Thread.startDaemon('parent-watch') {
    while (System.in.read() != -1) { }
    Thread.startDaemon('parent-watch-deadline') { Thread.sleep(20_000); Runtime.runtime.halt(1) }
    System.exit(0)
}
globals << [g: graph.traversal()]
