"""Queries whose answers the tests of the explorer compare with what its pages show."""

LINEAGE = """query ($roots: [ID!]!, $direction: LineageDirection!, $depth: Int!) {
  lineage(roots: $roots, direction: $direction, maxDepth: $depth, first: 300) {
    nodes { nodes { asset { id displayName } } } completeness { state }
  }
}"""

WORK = """{ myWork {
  approvals(first: 10) { nodes { version { displayName } model { displayName } } }
  incidents(first: 10) { nodes { assets { displayName } } }
  unhealthy(first: 10) { nodes { displayName } }
} viewer { teams { id } } }"""

IMPACT = """query ($roots: [ID!]!) { impact(roots: $roots) {
  total assets(first: 500) { nodes { depth asset { id ownerTeam { displayName } } } } teams { team { displayName } }
} }"""

DIFF = """query ($before: [ID!]!, $after: [ID!]!) {
  lineageDiff(from: {roots: $before}, to: {roots: $after}, direction: BOTH, maxDepth: 1, first: 300) {
    nodes { key change before { displayName } after { displayName } } edges { change }
  }
}"""

SCENE = """query ($roots: [ID!]!) { scene(roots: $roots, maxDepth: 2, groupBy: [LEVEL, KIND], openLevels: 1) {
  total elements { asset { id } } groups { key count gaps }
} }"""

UNHEALTHY = """query ($filter: AssetFilter!) { assets(filter: $filter, first: 20) { nodes {
  displayName health { causes { counts depth asset { displayName } check { name } incident { title } } }
} } }"""
BOARD_KINDS = ["SERVICE", "MODEL", "FEATURE_SET", "DATASET"]

IDLE = """query ($filter: AssetFilter!) { assets(filter: $filter, first: 25) { totalCount nodes {
  displayName usage(days: 400) { lastUsedAt }
} } }"""

IDLE_KINDS = ["DATASET", "FEATURE_SET", "FEATURE", "MODEL", "MODEL_VERSION", "WORKFLOW", "SERVICE", "REPORT"]

PLAN = """query ($id: ID!) { changePlan(id: $id) {
  title description deadline outcome impact { total services { nodes { asset { displayName } } } }
  status { state waiting complete teams { team { id displayName } acknowledgement { decision reason by } } }
} }"""
PLAN_HISTORY = "query ($id: ID!) { changes(filter: {subjects: [$id]}) { nodes { action } } }"
OPEN_PLANS = "{ changePlans(closed: false) { nodes { id title status { complete state } } } }"

SERVING = """{ assets(filter: {kinds: [DEPLOYMENT]}, first: 100) { nodes { ... on Deployment {
  environment status modelVersion { displayName model { displayName riskTier } }
} } } }"""

ORIGINS = """query ($id: ID!) { asset(id: $id) { ... on ModelVersion {
  trainedOn(first: 8) { nodes { displayName } } features { nodes { displayName } } basedOn { nodes { displayName } }
} } }"""

USED = """query ($id: ID!) { asset(id: $id) { ... on Model {
  versions(first: 8) { nodes { displayName usage(days: 30) { calls } } }
} } }"""

FOUND = """query ($text: String!) { search(text: $text, groupVersions: true, facets: [KIND]) {
  hits { totalCount } facets { values { count } }
} }"""

SOURCES = """query ($id: ID!) { asset(id: $id) { sources {
  source producer alarms { reason ingestion { reason } }
} } }"""

APPROVALS = """query ($id: ID!) { asset(id: $id) { ... on ModelVersion {
  digest revision approvals(first: 5) { nodes { gate decision reason decidedBySubject digest } }
} } }"""
