// expected-error @below {{expected a program of units; run sprint-distribute-units first}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
  sprint_isa.loop trip(heads) {
    %0 = sprint_isa.value.write on(write) region(key) batch(0) head(i0)
  }
}
