// `globals` must be defined first: otherwise there is no `g`. The first line of stdin is the value of `Authorization` that
// every request must have. The daemon thread ends this JVM when the parent process ends, even if it is killed, because the
// pipe on stdin then closes.
def globals = [:]
def stdin = System.in.newReader()
def authorization = stdin.readLine()
if (!authorization) throw new IllegalStateException('The first line of stdin is empty; it must be the authorization.')

def unit = new org.codehaus.groovy.control.CompilationUnit()
unit.addSource(new File('channel_guard.groovy'))
unit.compile(org.codehaus.groovy.control.Phases.CLASS_GENERATION)
def beside = java.lang.invoke.MethodHandles.privateLookupIn(
    org.apache.tinkerpop.gremlin.server.channel.HttpChannelizer, java.lang.invoke.MethodHandles.lookup())
def guard = unit.classes.collect { beside.defineClass(it.bytes) }.find { it.simpleName == 'RequestGuard' }
guard.authorization = authorization.getBytes('UTF-8')

Thread.startDaemon('parent-watch') {
    while (stdin.read() != -1) { }
    Thread.startDaemon('parent-watch-deadline') { Thread.sleep(20_000); Runtime.runtime.halt(1) }
    System.exit(0)
}
// BerkeleyJE refuses writes below this bound; it compares again while it cleans, at least every ten seconds.
def environment = graph.backend.@storeManager.@manager.@environment
environment.mutableConfig = environment.mutableConfig.setConfigParam('je.freeDisk', System.getProperty('mlgraph.freeBytes'))

// A list of values in a filter is a clause for each. The API bounds filters by their size, which is some 13,000 values.
org.apache.lucene.search.BooleanQuery.maxClauseCount = 16_384

// JanusGraph commits the index after the storage. A failure is only logged, and the index then lacks documents: the file
// `complete` goes, so that the API sends no further request and starts this JVM again with a rebuilt index.
def watch = new ch.qos.logback.core.AppenderBase() {
    protected void append(Object event) {
        if (event.formattedMessage.startsWith('Error while committing index mutations')) new File('lucene/complete').delete()
    }
}
watch.context = org.slf4j.LoggerFactory.getILoggerFactory()
watch.start()
org.slf4j.LoggerFactory.getLogger('org.janusgraph.graphdb.database.StandardJanusGraph').addAppender(watch)
globals << [g: graph.traversal()]
