// `globals` first, or there is no `g`.
def globals = [:]
globals << [g: graph.traversal()]
