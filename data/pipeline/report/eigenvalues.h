// Eigenvalues of small symmetric matrices.
#pragma once

#include <vector>

namespace moonbeam::pipeline {

/// Of a symmetric matrix [n, n], rising: Householder's reduction to three diagonals, then QL steps with
/// shifts (Golub and Van Loan, chapter 8).
std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, int n);

}  // namespace moonbeam::pipeline
