/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <iostream>
#include <stdexcept>
#include <string>

/*! Counts and prints the failures of a kernel test. */
class Checks
{
public:
    void check(bool holds, const std::string& what)
    {
        ++d_checks;
        if (!holds) {
            ++d_failures;
            std::cerr << "FAILED: " << what << '\n';
        }
    }

    /*! The function has to throw std::invalid_argument with `part` in its message. */
    template <typename Function>
    void refuses(const Function& function, const std::string& part)
    {
        try {
            function();
        } catch (const std::invalid_argument& error) {
            check(std::string(error.what()).find(part) != std::string::npos,
                  "'" + std::string(error.what()) + "' should contain '" + part + "'");
            return;
        }
        check(false, "no error that contains '" + part + "'");
    }

    /*! The exit status of the test. */
    int report() const
    {
        std::cout << d_checks << " checks, " << d_failures << " failed\n";
        return d_failures == 0 && d_checks > 0 ? 0 : 1;
    }

private:
    int d_checks = 0;
    int d_failures = 0;
};
