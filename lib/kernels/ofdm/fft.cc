/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fft.h"

#include <fftw3.h>

#include <algorithm>
#include <new>

namespace gr::vqdeepsc::kernel {

namespace {

struct Free {
    void operator()(void* memory) const { fftwf_free(memory); }
};
using Buffer = std::unique_ptr<fftwf_complex[], Free>;

Buffer make_buffer(int size)
{
    Buffer buffer(fftwf_alloc_complex(size));
    if (!buffer) {
        throw std::bad_alloc();
    }
    std::fill_n(&buffer[0][0], 2 * size, 0.0f);
    return buffer;
}

// FFTW's planner is one for the whole process, GNU Radio's blocks included.
void protect_planner()
{
    [[maybe_unused]] static const bool done = [] {
        fftwf_make_planner_thread_safe();
        return true;
    }();
}

} // namespace

struct Fft::Plan {
    Plan(int size, Direction direction) : input(make_buffer(size)), output(make_buffer(size))
    {
        protect_planner();
        // An estimated plan is the same in every run, and so are the bits it gives.
        plan = fftwf_plan_dft_1d(size,
                                 input.get(),
                                 output.get(),
                                 direction == Direction::forward ? FFTW_FORWARD : FFTW_BACKWARD,
                                 FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
        if (!plan) {
            throw std::bad_alloc();
        }
    }
    ~Plan() { fftwf_destroy_plan(plan); }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    Buffer input;
    Buffer output;
    fftwf_plan plan;
};

Fft::Fft(int size, Direction direction)
    : d_size(size), d_plan(std::make_unique<Plan>(size, direction))
{
}

Fft::~Fft() = default;
Fft::Fft(Fft&&) noexcept = default;
Fft& Fft::operator=(Fft&&) noexcept = default;

std::complex<float>* Fft::input()
{
    return reinterpret_cast<std::complex<float>*>(d_plan->input.get());
}

const std::complex<float>* Fft::output() const
{
    return reinterpret_cast<const std::complex<float>*>(d_plan->output.get());
}

void Fft::execute()
{
    fftwf_execute(d_plan->plan);
}

} // namespace gr::vqdeepsc::kernel
