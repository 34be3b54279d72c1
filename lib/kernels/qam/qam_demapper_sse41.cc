/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qam_demapper_simd.h"

namespace gr::vqdeepsc::kernel {

void qam_demap_sse41(const QamDemapperJob& job)
{
    qam_demap(job);
}

} // namespace gr::vqdeepsc::kernel
