# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# cmake -DINPUT=FILE -DOUTPUT=FILE -P PassStatistics.cmake
# Puts this project's statistics in the place of MLIR's in what mlir-tblgen makes of a Passes.td (Sprint/Support/PassStatistic.h).
file(READ "${INPUT}" text)
string(REPLACE "::mlir::Pass::Statistic " "::mlir::sprint::PassStatistic " text "${text}")
file(WRITE "${OUTPUT}" "${text}")
