"""The Groovy class ``WordBeginnings``: whether very many different words, or values, of a property begin alike.

A search for a beginning takes Lucene some 1.7 µs for each different word that has it, in each part of the index. To
count these words takes a tenth of that, and ends at a limit. The class uses what JanusGraph has beneath its API: the
view of the index that the queries of the transaction have. The terms of another index than Lucene are not counted.

The words of all tenants count, and those of hidden assets. So the limit is not known, and differs for each beginning:
who has a known number of words that begin alike would otherwise learn whether anybody else has one.
"""

from typing import Final

from app.graph.records.native.mixed_index import BACKEND, INDEX

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

  static boolean areMany(Graph graph, String key, String beginning, int most) {{
    def transaction = graph.getCurrentThreadTx().txHandle.getIndexTransaction('{BACKEND}').indexTx
    if (!transaction.getClass().getName().startsWith('org.janusgraph.diskstorage.lucene.')) return false
    def searcher = transaction.getSearcher('{INDEX}')
    searcher != null && count(searcher.getIndexReader(), key, beginning, most) >= most
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

``limit`` returns a number from ``least`` to twice as many.
"""
