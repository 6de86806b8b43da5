//===- SprintISAStatistics.td - What launches count ---------*- tablegen -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every statistic of a launch is one record of this file. From them come what the runtime counts and sums, the keys of
// reports, the struct of the C API with its comments, and the reference page.
//
//===----------------------------------------------------------------------===//

#ifndef SPRINT_DIALECT_SPRINTISA_IR_SPRINTISASTATISTICS_TD
#define SPRINT_DIALECT_SPRINTISA_IR_SPRINTISASTATISTICS_TD

include "Sprint/Dialect/SprintISA/IR/SprintISAEnums.td"

/// A number of a report.
class Statistic<string str, string measure, string text> {
  /// Its key, and that of the object in which it stands, or an empty string.
  string name = str;
  string group = "";
  string unit = measure;
  string summary = text;
}

/// What launches count; that of several is the sum.
class CountedStatistic<string name, string unit, string summary> : Statistic<name, unit, summary>;

/// What launches measure, a floating-point number; that of several is the sum.
class MeasuredStatistic<string name, string unit, string summary> : Statistic<name, unit, summary>;

/// What follows from others, of one launch as of the sums of several: what `Statistics::<method>` gives.
class DerivedStatistic<string name, string unit, string function, string summary>
    : Statistic<name, unit, summary> {
  string method = function;
}

/// The energy of a part of the machine: `counts`, in `measure`, each at the energy that the machine has as `key`.
class EnergyComponent<string name, string counts, string measure, string key, string summary>
    : Statistic<name, "pJ", summary> {
  let group = "energy_pj";
  /// Their name in `WorkCounts`.
  string work = counts;
  string countUnit = measure;
  string parameter = key;
}

/// What a component counts.
class ComponentCount<EnergyComponent component>
    : Statistic<component.name, component.countUnit, "what the component's energy is of, below"> {
  let group = "counts";
}

/// The energy of a component where each of what it counts has the least, or the most, that the machine's sources tell.
class ComponentBound<EnergyComponent component, string bound>
    : Statistic<component.name, "pJ", "energy of a component at the " # bound # " end of its parameter"> {
  let group = "energy_" # bound # "_pj";
}

/// The fraction of all cycles in which a part of the machine worked.
class Utilization<string name, string part>
    : Statistic<name, "fraction of cycles", "time in which the " # part # " worked; waiting for tokens is no work"> {
  let group = "utilization";
}
class UnitUtilization<string unit> : Utilization<unit, "unit `" # unit # "`">;

class TotalEnergy<string object, string function, string summary>
    : DerivedStatistic<"total", "pJ", function, summary> {
  let group = object;
}

def EnergyComponents {
  list<EnergyComponent> rows = [
    EnergyComponent<"reram_write", "reram_write_bits", "bits", "reram_write",
        "bits of query, key and value codes written; of key_valid and mask one a key and row, of the bias 32; of "
        "segments 32 a query and a key">,
    EnergyComponent<"reram_read", "reram_read_bits", "bits", "reram_read",
        "bits of keys, values and queries read, of pruning vectors, and of rows of masks and biases loaded; 32 a key "
        "and 32 of the query for each `load_segments`; a query is read once, by `load_query`, as `copy_query` moves it "
        "inside the memory">,
    EnergyComponent<"in_memory", "in_memory_macs", "multiply-accumulates", "in_memory",
        "D multiply-accumulates for each stored key, those of a cache among them, and each thresholding, retries included">,
    EnergyComponent<"sram_write", "sram_write_bits", "bits", "sram_write",
        "bits written to the query buffers (D bytes a CORELET), of all keys and values read, whether they stay or "
        "pass, and of bias rows loaded">,
    EnergyComponent<"sram_read", "sram_read_bits", "bits", "sram_read",
        "bits read by `score` (the key, and its bias, in each pass; D bytes of the query once a row for every CORELET, "
        "whether it has keys or not) and by `accumulate` (the value)">,
    EnergyComponent<"qk_pu", "qk_macs", "multiply-accumulates", "qk", "D multiply-accumulates a score in each pass">,
    EnergyComponent<"softmax", "softmax_scores", "scores", "softmax", "scores in the softmax units">,
    EnergyComponent<"v_pu", "v_macs", "multiply-accumulates", "v", "Dv multiply-accumulates a kept value">,
  ];
}

/// All of them, in the order of reports and of the members of the struct in C: new ones come last.
def LaunchStatistics {
  list<Statistic> rows = !listconcat([
    MeasuredStatistic<"cycles", "core cycles", "time, with the writing of queries, keys and values">,
    MeasuredStatistic<"cycles_resident", "core cycles", "time, with writes that take none">,
    TotalEnergy<"energy_pj", "totalEnergy", "energy of all components">],
    EnergyComponents.rows, [
    DerivedStatistic<"pruned_fraction", "fraction", "prunedFraction", "dropped scores of the allowed ones">,
    CountedStatistic<"allowed_scores", "scores", "scores of keys that queries may attend to">,
    CountedStatistic<"kept_scores", "scores", "scores that pruning kept">,
    CountedStatistic<"fetched_bytes", "bytes", "keys and values read from ReRAM">,
    CountedStatistic<"written_bytes", "bytes",
        "queries, keys, values, masks, biases and segments written to ReRAM, each write in whole bytes">,
    CountedStatistic<"host_quadratic_bytes", "bytes",
        "masks (a byte an element) and biases (f32) with a row for each query that the launch is handed: what the host "
        "computes or is given, and grows with queries times keys">,
    CountedStatistic<"retried_rows", "rows", "rows that would have kept nothing at their head's threshold">,
    CountedStatistic<"retries", "thresholdings", "thresholdings that these rows took beyond their first">,
    CountedStatistic<"clamped_biases", "scores",
        "biases of allowed scores at the bound of their codes, 2^29, which clamping may have brought there">,
    CountedStatistic<"rows_masked_by_bias", "rows",
        "rows without a key, as every finite bias masks: the machine gives zeros, and only with `masked_logit` does the "
        "host give what the model does">,
    CountedStatistic<"macs", "multiply-accumulates", "work of the QK-PUs and V-PUs">,
    CountedStatistic<"in_memory_macs", "multiply-accumulates", "work of the arrays">,
    Utilization<"bus", "bus">,
    UnitUtilization<"write">,
    UnitUtilization<"select">,
    UnitUtilization<"key_fetch">,
    UnitUtilization<"value_fetch">,
    UnitUtilization<"qk">,
    UnitUtilization<"softmax">,
    UnitUtilization<"v">,
    MeasuredStatistic<"simulation_seconds", "seconds", "wall time of the simulator">,
    CountedStatistic<"saturated_codes", "codes",
        "codes of queries, keys and values that frozen steps are too small for (numerics.md, section 2)">,
    CountedStatistic<"most_cell_writes", "writes",
        "writes of the ReRAM cell that is written most: of the key heads that have the same place one after another">,
    MeasuredStatistic<"endurance_used", "fraction", "these writes of those that a cell endures">,
    DerivedStatistic<"endured_runs", "runs", "enduredRuns",
        "runs like this one until the cell that is written most has had all writes that it endures; 0 where it is not written">],
    !foreach(component, EnergyComponents.rows, ComponentCount<component>), [
    TotalEnergy<"energy_low_pj", "lowEnergy", "the same at the low end of all parameters">],
    !foreach(component, EnergyComponents.rows, ComponentBound<component, "low">), [
    TotalEnergy<"energy_high_pj", "highEnergy", "the same at the high end of all parameters">],
    !foreach(component, EnergyComponents.rows, ComponentBound<component, "high">));
}

#endif // SPRINT_DIALECT_SPRINTISA_IR_SPRINTISASTATISTICS_TD
