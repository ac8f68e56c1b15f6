/// Pairs runs of axes of equal size, axes of extent 1 aside; nil where extents are symbolic and do not pair up.
public func reshapeGroups(_ from: [Dim], _ to: [Dim]) -> [(from: [Int], to: [Int])]? {
  let left = from.indices.filter { from[$0] != 1 }
  let right = to.indices.filter { to[$0] != 1 }
  var groups: [(from: [Int], to: [Int])] = []
  var i = 0
  var j = 0
  while i < left.count || j < right.count {
    guard i < left.count, j < right.count else { return nil }
    var group = (from: [left[i]], to: [right[j]])
    var a = from[left[i]]
    var b = to[right[j]]
    i += 1
    j += 1
    while a != b {
      let takesLeft: Bool
      if let x = a.constant, let y = b.constant { takesLeft = x < y } else { takesLeft = (b - a).lowerBound != nil }
      if takesLeft {
        guard i < left.count else { return nil }
        a = a * from[left[i]]
        group.from.append(left[i])
        i += 1
      } else {
        guard j < right.count else { return nil }
        b = b * to[right[j]]
        group.to.append(right[j])
        j += 1
      }
    }
    groups.append(group)
  }
  return groups
}
