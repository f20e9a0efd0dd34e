"""The Groovy class ``WordBeginnings``: whether very many different words, or values, of a property begin alike.

A search for a beginning takes Lucene some 1.7 µs for each different word that has it, in each part of the index. To
count these words takes a tenth of that, and ends at a limit. The class uses what JanusGraph has beneath its API: the
view of the embedded index that the queries of the transaction have, or the client of Elasticsearch. Elasticsearch lists
the values of a property up to a limit, and the words of a text as the clauses of a query, of which it takes few. The
words of another index are not counted.

The words of all tenants count, and those of hidden assets. So the limit is not known, and differs for each beginning:
who has a known number of words that begin alike would otherwise learn whether anybody else has one.
"""

from typing import Final

from app.graph.records.native.mixed_index import BACKEND, INDEX
from graphql_schema.catalog.properties import NATIVE_PROPERTIES

MANY_WORDS: Final = [100_000, 20_000, 4_000]
"""Numbers of words that begin alike from which on a search may take their beginning for a complete one.

The first is for the embedded index, the others are for Elasticsearch: for properties with values, and with texts. From
twice as many words on, a search does so in any case. A search for the beginning of 200,000 words takes the embedded
store 0.4 seconds. Elasticsearch returns all values that it counts. Of words it accepts 8,192 in a query, with a heap of
512 MB and four threads for searches, and more with a larger heap.
"""

_TEXTS: Final = [stored.name for stored in NATIVE_PROPERTIES if stored.text]
"""The properties that are indexed by their words."""

WORD_BEGINNINGS: Final = f"""
class WordBeginnings {{
  static final byte[] SECRET = random(32)

  static byte[] random(int size) {{
    def bytes = new byte[size]
    new java.security.SecureRandom().nextBytes(bytes)
    bytes
  }}

  static int limit(String key, String beginning, int least) {{
    def hash = java.security.MessageDigest.getInstance('SHA-256')
    hash.update(SECRET)
    def number = new BigInteger(1, hash.digest("$key $beginning".getBytes('UTF-8')))
    least + number.mod(BigInteger.valueOf(least)).intValue()
  }}

  static boolean areMany(Graph graph, String key, String beginning, List<Integer> least) {{
    int number = isEmbedded(graph) ? least[0] : {_TEXTS}.contains(key) ? least[2] : least[1]
    reach(graph, key, beginning, limit(key, beginning, number))
  }}

  static boolean reach(Graph graph, String key, String beginning, int most) {{
    if (isEmbedded(graph)) {{
      def searcher = transactionOf(graph).getSearcher('{INDEX}')
      return searcher != null && count(searcher.getIndexReader(), key, beginning, most) >= most
    }}
    def index = graph.getBackend().getIndexInformation().get('{BACKEND}')
    if (!index.getClass().getName().startsWith('org.janusgraph.diskstorage.es.')) return false
    {_TEXTS}.contains(key) ? haveWords(index, key, beginning, most) : haveValues(index, key, beginning, most)
  }}

  static Object transactionOf(Graph graph) {{
    graph.getCurrentThreadTx().txHandle.getIndexTransaction('{BACKEND}').indexTx
  }}

  static boolean isEmbedded(Graph graph) {{
    transactionOf(graph).getClass().getName().startsWith('org.janusgraph.diskstorage.lucene.')
  }}

  static boolean haveValues(Object index, String key, String beginning, int most) {{
    def found = asked(index, '_terms_enum', [field: key, string: beginning, size: most, timeout: '5s'])
    found.terms.size() >= most || !found.complete
  }}

  static boolean haveWords(Object index, String key, String beginning, int most) {{
    def query = [match_phrase_prefix: [(key): [query: beginning, max_expansions: most]]]
    def found = asked(index, '_validate/query?rewrite=true&all_shards=true', [query: query])
    def tooMany = found._shards.failures.any {{ it.toString().contains('too_many_clauses') }}
    def counts = found.explanations.collect {{ (it.explanation ?: '').findAll(key + ':[^"]').size() }}
    tooMany || counts.sum(0) >= most
  }}

  static Object asked(Object index, String path, Map body) {{
    def json = groovy.json.JsonOutput.toJson(body).getBytes('UTF-8')
    def name = index.getIndexStoreName('{INDEX}')
    def response = index.@client.performRequest('POST', "/$name/$path".toString(), json)
    new groovy.json.JsonSlurper().parse(response.getEntity().getContent(), 'UTF-8')
  }}

  @groovy.transform.CompileStatic
  static int count(org.apache.lucene.index.IndexReader reader, String key, String beginning, int most) {{
    def first = new org.apache.lucene.util.BytesRef(beginning)
    int found = 0
    for (org.apache.lucene.index.LeafReaderContext part : reader.leaves()) {{
      def terms = part.reader().terms(key)
      if (terms == null) continue
      def each = terms.iterator()
      def term = each.seekCeil(first) == org.apache.lucene.index.TermsEnum.SeekStatus.END ? null : each.term()
      while (term != null && found < most && org.apache.lucene.util.StringHelper.startsWith(term, first)) {{
        found++
        term = each.next()
      }}
    }}
    found
  }}
}}
"""
"""A word in several parts of the index counts for each of them, as a search reads it in each.

``limit`` returns a number from ``least`` to twice as many. ``areMany`` compares with that of MANY_WORDS, and ``reach``
with ``most``.
"""
